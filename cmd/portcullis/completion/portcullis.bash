# Completion of portcullis for bash: source <(portcullis completion bash)
_portcullis() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}") line
  # Bash splits at the equals sign: behind it a new word begins.
  [[ ${words[-1]} == = ]] && words+=("")
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("${line%%$'\t'*}")
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}
# Where there are no candidates, files are completed.
complete -o bashdefault -o default -F _portcullis portcullis
