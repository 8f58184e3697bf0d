# Completion of the programs' command lines, for bash; zsh takes it too, after `autoload -U bashcompinit && bashcompinit`. Flags, and the values of those
# that have a few, are what the program's own --help lists, so that nothing has to be kept in step with it.
_dcs() {
  local line=() word before help words i
  # bash makes three words of --net=NAME; here they are the two of --net NAME. Behind a = alone there is an empty word to complete.
  for ((i = 0; i <= COMP_CWORD; ++i)); do
    if [ "${COMP_WORDS[i]}" != = ]; then line+=("${COMP_WORDS[i]}"); elif ((i == COMP_CWORD)); then line+=(""); fi
  done
  word=${line[-1]} before=${line[-2]}
  local arguments=(--help)
  # The network's own flags stand in the help that is asked for with --net.
  for ((i = 1; i + 2 < ${#line[@]}; ++i)); do
    if [ "${line[i]}" = --net ]; then arguments=(--net "${line[i + 1]}" --help); fi
  done
  help=$("$1" "${arguments[@]}" 2>/dev/null) || help=$("$1" --help 2>/dev/null)
  if [ "$before" = --net ]; then
    words=$(sed -n 's/.*Networks: \([^.]*\).*/\1/p' <<<"$help" | tr -d ',')
  elif [[ $before =~ ^--[a-z0-9-]+$ ]]; then # what else was typed is no pattern of sed's
    words=$(sed -n "s/^ *$before [A-Z]*:{\([^}]*\)}.*/\1/p" <<<"$help" | tr ',' ' ')
  fi
  if [ -z "$words" ] && [[ $word == -* ]]; then
    words=$(sed -n 's/^ *\(-h,\)\{0,1\}\(--[a-z0-9-]*\).*/\2/p' <<<"$help")
  fi
  COMPREPLY=()
  # Without words of its own it is a file or folder: -o default completes these.
  if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi
}
complete -o default -F _dcs dcs_synthesize dcs_convert dcs_verify dcs_plan dcs_train dcs_tune dcs_evaluate dcs_compare dcs_report dcs_predict dcs_grid dcs_export dcs_summary
