#!/usr/bin/env bash
# watching.sh PROGRAMS FOLDER: what a run shows while it trains and afterwards: the line on a terminal, curves.png. Exit code 77: the programs were not
# built.
set -u
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
finish
