#!/usr/bin/env bash
# watching.sh PROGRAMS FOLDER: what a run shows while it trains and afterwards: the line on a terminal, curves.png, TensorBoard's events, report.html.
# Exit code 77: the programs were not built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$(dirname "$0")/common.sh"

works "$bin/dcs_synthesize" --out set --kind mri --size 64 --train 4 --val 2 --test 3 --seed 1

echo "== a terminal has a bar that is overwritten, a pipe has lines"
# In a terminal of 130 columns.
on_terminal() {
  python3 - "$@" <<'EOF_PYTHON'
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 130, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    sys.stdout.buffer.write(data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
EOF_PYTHON
}
on_terminal "$bin/dcs_train" --net small-scratch --data set --size 64 --seed 1 --rate 1e-3 --batch 4 --epochs 2 --out run >shown || wrong "exit code $? on a terminal"
check grep -qaE $'\repoch 1/2  \\[=+\\]  1/1  loss [0-9.]+  [0-9.]+ images/s  0:00 left, run [0-9:]+' shown
check grep -qaE $'\repoch 2/2  validating 1/1' shown
check grep -qaE 'epoch 2/2  loss [0-9.]+  val [0-9.]+  dice' shown
works fresh --epochs 2 --out piped
if grep -q -e $'\r' -e '\[' out; then wrong "a bar in a pipe"; fi
check cmp run/last.safetensors piped/last.safetensors

echo "== curves"
check cmp run/curves.png piped/curves.png
check test "$(od -An -tx1 -N8 run/curves.png | tr -d ' ')" = 89504e470d0a1a0a
cp run/curves.png before.png
works train --resume --out run --epochs 3
if cmp -s before.png run/curves.png; then wrong "curves.png is not renewed"; fi
check test -z "$(ls run | grep partial)"

echo "== events, also of a run that goes on"
works fresh --epochs 1 --tensorboard --out logged
cp logged/events.out.tfevents.dcs first
works train --resume --out logged --epochs 3 --tensorboard
check cmp -n "$(stat -c %s first)" first logged/events.out.tfevents.dcs
check grep -qa 'validation/dice' logged/events.out.tfevents.dcs
check test "$(grep -ao 'overlays/00000[0-9].png' logged/events.out.tfevents.dcs | sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" = "3 3 "
check diff <(rows logged) <(rows run)
python3 "$here/check_events.py" logged >out 2>&1
case $? in
  0) ;;
  77) echo "skipped: tensorboard is not installed, so only our own reader has read the events (test_io_events)" ;;
  *) wrong "tensorboard does not read the events: $(tail -1 out)" ;;
esac

echo "== a report, before and after the evaluation, with names that need escapes"
report() { "$bin/dcs_report" "$@"; }
works report run
check python3 "$here/check_report.py" run/report.html Curves "not evaluated yet" small-scratch
for kind in images masks; do mv set/test/$kind/000006.png "set/test/$kind/a <b> & 'c\" é.png"; done
works "$bin/dcs_evaluate" --run run --overlays 2
works report run
check test "$(python3 "$here/check_report.py" run/report.html "a <b> & 'c\" é.png" dice hd95 threshold_dice 000007.png rate 2>&1)" = 2
works report run --overlays 1
check test "$(python3 "$here/check_report.py" run/report.html Images)" = 1
# Whatever numbers an evaluation has become columns; what is nested too.
sed -i 's/"name": "000007.png"/"name": "000007.png", "new_measure": 0.125, "interval": {"low": 0.0625}/' run/evaluation.json
works report run logged
check python3 "$here/check_report.py" run/report.html new_measure 0.125 interval.low 0.0625
check test -s logged/report.html
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$browser" ]; then
  timeout 100 "$browser" --headless --no-sandbox --disable-gpu --window-size=1000,1200 --screenshot=page.png "file://$PWD/run/report.html" >out 2>&1 || wrong "$browser: $(tail -1 out)"
  # A page of text and curves takes tens of kilobytes as PNG, a blank one about four.
  check test "$(stat -c %s page.png)" -gt 15000
else
  echo "skipped: there is no browser to show the report (chromium)"
fi
cp run/evaluation.json measured.json
# changed FOLDER PYTHON: its evaluation is the measured one, changed by a statement.
changed() {
  python3 -c "import json; e = json.load(open('measured.json')); image = next(i for i in e['images'] if i['name'] == '000007.png')
$2
json.dump(e, open('$1/evaluation.json', 'w'))"
}
# captioned TEXT PYTHON: the report of such an evaluation has TEXT under a picture.
captioned() {
  changed run "$2"
  works report run
  check grep -qF "<br/>$1</figcaption>" run/report.html
}
part="image |= {'missed': False, 'dice': 0.5, 'precision': 0.75, 'recall': 0.4, 'hd95': 7.5}"
shares=": 60 % of the lesion missed, 25 % of the prediction false, 95 % of the boundary within"
captioned "missed: nothing of the lesion was found" "image |= {'missed': True, 'dice': 0, 'precision': 0, 'recall': 0}"
captioned "invented: there is no lesion here" "image |= {'missed': False, 'dice': 0, 'precision': 0, 'recall': 0, 'hd95': 90.5}"
captioned "right" "image |= {'missed': False, 'dice': 1, 'precision': 1, 'recall': 1, 'hd95': 0}"
captioned "missed in part$shares 7.5 pixels" "$part; e['settings']['spacing'] = [1.0, 1.0]"
captioned "missed in part$shares 7.5 mm" "$part; e['settings']['spacing'] = 'of the set'"
captioned "missed in part$shares 7.5" "$part; e['settings']['spacing'] = [0.5, 2]"
captioned "false in part: 0 % of the lesion missed, 25 % of the prediction false, 95 % of the boundary within 7.5 pixels" "$part; image['recall'] = 1"
captioned "boundary$shares 2.0 pixels" "$part; image['hd95'] = 2"
mkdir broken && cp run/config.json run/results.csv broken
changed broken "image['name'] = '../../000007.png'"
fails "broken/evaluation.json: an image is named '../../000007.png'; expected the name of a file" report broken
changed broken "exec('for _ in range(20): e = {\"deep\": e}'); e['images'] = []"
fails "broken/evaluation.json: objects are more than 16 deep" report broken
echo '{"images": [{"dice": 1}], "mean": {}}' >broken/evaluation.json
fails "broken/evaluation.json: " report broken
echo 'epoch,rate' >broken/results.csv && echo 'x,1' >>broken/results.csv
fails "broken/results.csv: " report broken
fails "broken/overlays" report broken/overlays
check test ! -e broken/report.html
finish
