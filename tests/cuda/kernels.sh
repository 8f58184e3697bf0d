#!/usr/bin/env bash
# Every kernel has a test of its own, and is in the tables of docs/devices.md: the names that headers give to kernels are those of the tests "kernel NAME: ...",
# each once, and those that the tables' rows launch. Usage: kernels.sh SOURCE [list]   (list: prints name and struct of every kernel, and checks nothing)
set -euo pipefail
cd "$1"
# A kernel is a struct that has static members `name` and `threads` of its own, wherever they stand in it.
kernels=$(find include \( -name '*.cuh' -o -name '*.hpp' \) -print0 | LC_ALL=C sort -z | xargs -0 perl -0777 -ne '
  my $string = qr/"(?:[^"\\]|\\.)*"/s;
  s{($string|\x27(?:\\.[^\x27]*|[^\x27\\])\x27)|//[^\n]*|/\*.*?\*/}{$1 ? $1 =~ tr/{};//dr : " "}gse;
  s/\b(name(?:\[\])?|threads)\s*\{([^{};]*)\}/$1 = $2/g;
  my ($text, @scopes) = "";
  while (/([{};])|([^{};]+)/g) {
    if (defined $2) { $text .= $2; next }
    if ($1 eq "{") {
      my ($struct) = $text =~ /\b(?:struct|class)\s+(?:alignas\([^)]*\)\s*)?(\w+)(?:<[^()]*>)?(?:\s+final)?(?:\s*:.*)?\s*\z/s;
      push @scopes, {struct => $struct};
    } elsif ($1 eq "}") {
      my $ended = pop @scopes or die "$ARGV: a brace closes nothing\n";
      print "$ended->{name} $ended->{struct}\n" if $ended->{struct} && $ended->{name} && $ended->{threads};
    } elsif (@scopes && $text =~ /\bstatic\b/) {
      $scopes[-1]{name} = $1 if $text =~ /\bname(?:\[\])?\s*=\s*"(\w+)"/;
      $scopes[-1]{threads} = 1 if $text =~ /\bthreads\s*=/;
    }
    $text = "";
  }
  die "$ARGV: a brace is open at its end\n" if @scopes;' | LC_ALL=C sort)
if [ "${2:-}" = list ]; then
  echo "$kernels"
  exit
fi
names=$(echo "$kernels" | cut -d' ' -f1 | sort)
tests=$(grep -rhoP 'TEST_CASE\("kernel \K[a-z0-9_]+(?=:)' tests --include=*.cpp | sort)
wrong=$(diff <(echo "$names") <(echo "$tests") || true)
if [ -n "$wrong" ]; then
  echo "kernels (<) and tests of kernels (>) differ:"
  echo "$wrong"
  exit 1
fi
wrong=$(diff <(echo "$names") <(grep -P '^\| (?!op \|)' docs/devices.md | sed 's/.*| \(.*\) |$/\1/' | grep -oP '`\K[a-z0-9_]+(?=`)' | sort -u) || true)
if [ -n "$wrong" ]; then
  echo "kernels (<) and kernels that docs/devices.md has (>) differ:"
  echo "$wrong"
  exit 1
fi
echo "$(echo "$names" | wc -l) kernels, each with a test and in a row of docs/devices.md"
