"""check_report.py PAGE TEXT...: a report is one well-formed page that loads nothing, draws curves and contains each text. Prints how many pictures it has."""
import base64, html.parser, re, sys, xml.etree.ElementTree

page = open(sys.argv[1], encoding="utf-8").read()
root = xml.etree.ElementTree.fromstring(page)  # stricter than a browser: every element is closed, every text escaped
assert root.tag == "html"


class links(html.parser.HTMLParser):
    pictures = 0

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "link", "iframe", "object", "base"), tag
        for name, value in attributes:
            assert not name.startswith("on"), name
            if name in ("src", "href"):
                kind, data = value.split(",", 1)
                assert kind == "data:image/png;base64", value[:40]
                assert base64.b64decode(data, validate=True)[:8] == b"\x89PNG\r\n\x1a\n"
                self.pictures += 1

    handle_startendtag = handle_starttag


reader = links()
reader.feed(page)
assert "url(" not in page and "@import" not in page and "://" not in re.sub(r'base64,[^"]*', "", page)
text = "".join(root.itertext())
for wanted in sys.argv[2:]:
    assert wanted in text, wanted
curves = [svg for svg in root.iter("svg") if any(p.get("d", "").count(" ") > 1 for p in svg.iter("path"))]
values = [t.text for c in root.iter("circle") for t in c.iter("title")]
assert len(curves) >= 5 and len(values) >= 20, (len(curves), len(values))
assert all(re.fullmatch(r".+, epoch \d+: -?[0-9.]+(e[-+]\d+)?", v) for v in values), values
print(reader.pictures)
