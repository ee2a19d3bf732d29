# Completes the command line of tideline in bash: source this file, or install it among bash's completions.
# All names come from the program, by its --help and its list of policies. A program with policies of one's own is completed too:
#   complete -o default -F _tideline mytideline

_tideline() {
  # As typed: a leading ~ is still there.
  local program=${1/#\~\//$HOME/} words=() k
  # Bash takes words apart at = and : here; "--set /policies/selection=infaas" has to be two.
  for ((k = 0; k <= COMP_CWORD; ++k)); do
    if ((k > 1)) && [[ ${COMP_WORDS[k]} == [=:]* || ${COMP_WORDS[k - 1]} == *[=:] ]]; then
      words[-1]+=${COMP_WORDS[k]}
    else
      words+=("${COMP_WORDS[k]}")
    fi
  done
  local word=${words[-1]} before=${words[-2]-} verb=${words[1]-} help usage choices='' front=''
  COMPREPLY=()

  if ((${#words[@]} <= 2)); then
    # The indented lines of the help, up to the exit codes, begin with verbs and options.
    choices=$("$program" --help 2> /dev/null | sed -n '/^Exit codes:/q; s/^  \([a-z-][a-z-]*\) .*/\1/p')
  else
    help=$("$program" "$verb" --help 2> /dev/null | sed '/^Examples:/q')
    usage=$(sed -n '/^Usage:/,/^$/p' <<< "$help")
    if [[ $word == --*=* ]]; then
      before=${word%%=*} front=${word%%=*}=
    elif [[ $before == --* && $before != --set && $before != --policy ]] && ! grep -q "^ *\(-., \)\{0,1\}$before [^ ]" <<< "$help"; then
      before=''  # an option without a value
    fi
    case $before in
      --set | --policy)
        local pointer=''
        if [[ $before == --set ]]; then pointer=/policies/; fi
        choices=$("$program" policies 2> /dev/null | awk -v before="$pointer" '/^[a-z]/ { kind = $1 } /^ / { print before kind "=" $1 }')
        compopt +o default 2> /dev/null
        ;;
      --*) return ;;  # its value: a file, by default
      *)
        if [[ $word == -* ]]; then
          choices=$(sed -n 's/^ *\(-., \)\{0,1\}\(--[a-z][a-z-]*\).*/\2/p' <<< "$help")
        elif [[ $usage == *SCENARIO* || $usage == *.json* || $usage == *.h5* ]]; then
          local kind='*.json'
          if [[ $usage == *COMPARE.json* ]]; then kind='*@(.h5*(.part)|.json)'; elif [[ $usage == *.h5* ]]; then kind='*.h5*(.part)'; fi
          mapfile -t COMPREPLY < <(shopt -s extglob; compgen -f -X "!$kind" -- "$word"; compgen -d -- "$word")
          compopt -o filenames 2> /dev/null
          return
        elif [[ $verb == policies ]]; then
          choices=$("$program" policies 2> /dev/null | awk '/^ / { print $1 }')
        fi
        ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -P "$front" -W "$choices" -- "${word#"$front"}")
  # Bash puts the answer in place of what stands behind the last = or : only.
  local kept=${word%"${word##*[=:]}"}
  COMPREPLY=("${COMPREPLY[@]#"$kept"}")
}
complete -o default -F _tideline tideline
