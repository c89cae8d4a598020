#compdef portcullis
# Completion of portcullis for zsh: source <(portcullis completion zsh)
_portcullis() {
  local line
  local -a candidates
  for line in "${(@f)$(_call_program candidates "${(q)words[1]}" __complete "${(@q)words[2,CURRENT]}" 2>/dev/null)}"; do
    # _describe wants value:meaning.
    [[ -n $line ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#candidates )); then
    _describe -V candidate candidates
  else
    _files
  fi
}
compdef _portcullis portcullis
