# bash completion of wherry, made by: wherry completion bash
_wherry() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' words='' kind='' i
  local IFS=$' \t\n'
  # "--flag=value" comes as three words.
  if [[ $cur == = ]]; then cur=''
  elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *)
        command="${command:+$command }${COMP_WORDS[i]}"
        case $command in registry) ;; *) break ;; esac
        ;;
    esac
  done
  case $command in
    '') words='build push pull copy tag tags images history inspect rm save load login logout registry version help completion --help --version' ;;
    registry) words='serve' ;;
    'build')
      case $prev in
        --network) words='default none host' ;;
        --progress) words='auto plain tty json quiet' ;;
        -f|--file|--metadata-file|--iidfile) kind=file ;;
        -o|--output|--store) kind=directory ;;
        --target|--build-arg|--build-context|--platform|-t|--tag|--label|--annotation|--timestamp|--no-cache-filter|--secret|--ssh|--add-host|--insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--file --target --build-arg --build-context --platform --tag --label --annotation --timestamp --no-cache --no-cache-filter --pull --push --output --metadata-file --iidfile --secret --ssh --network --add-host --store --insecure --mirror --progress --quiet --debug --no-color --help'; else kind=directory; fi ;;
      esac
      ;;
    'push')
      case $prev in
        --progress) words='auto plain tty json quiet' ;;
        --store) kind=directory ;;
        --insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--store --insecure --mirror --progress --quiet --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'pull')
      case $prev in
        --progress) words='auto plain tty json quiet' ;;
        --store) kind=directory ;;
        --platform|--insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--platform --all-platforms --store --insecure --mirror --progress --quiet --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'copy')
      case $prev in
        --progress) words='auto plain tty json quiet' ;;
        --store) kind=directory ;;
        --platform|--insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--platform --store --insecure --mirror --progress --quiet --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'tag')
      case $prev in
        --store) kind=directory ;;
        *) if [[ $cur == -* ]]; then words='--store --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'tags')
      case $prev in
        --store) kind=directory ;;
        --range|--suffix|--insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--range --suffix --json --store --insecure --mirror --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'images')
      case $prev in
        --store) kind=directory ;;
        *) if [[ $cur == -* ]]; then words='--json --no-trunc --store --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'history')
      case $prev in
        --store) kind=directory ;;
        --platform|--insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--platform --json --no-trunc --store --insecure --mirror --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'inspect')
      case $prev in
        --store) kind=directory ;;
        --platform|--insecure|--mirror) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--platform --raw --config --json --store --insecure --mirror --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'rm')
      case $prev in
        --store) kind=directory ;;
        *) if [[ $cur == -* ]]; then words='--json --store --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'save')
      case $prev in
        --format) words='docker oci' ;;
        --progress) words='auto plain tty json quiet' ;;
        -o|--output) kind=file ;;
        --store) kind=directory ;;
        --platform) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--output --format --platform --store --progress --quiet --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'load')
      case $prev in
        --progress) words='auto plain tty json quiet' ;;
        -i|--input) kind=file ;;
        --store) kind=directory ;;
        *) if [[ $cur == -* ]]; then words='--input --store --progress --quiet --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'login')
      case $prev in
        -u|--username|-p|--password|--insecure) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--username --password-stdin --password --insecure --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'logout')
      case $prev in
        *) if [[ $cur == -* ]]; then words='--debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'registry serve')
      case $prev in
        --htpasswd) kind=file ;;
        --root) kind=directory ;;
        --addr) kind=none ;;
        *) if [[ $cur == -* ]]; then words='--addr --root --read-only --htpasswd --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'version')
      case $prev in
        *) if [[ $cur == -* ]]; then words='--json --debug --no-color --help'; else kind=none; fi ;;
      esac
      ;;
    'help')
      case $prev in
        *) if [[ $cur == -* ]]; then words='--debug --no-color --help'; else words='build push pull copy tag tags images history inspect rm save load login logout registry version help completion'; fi ;;
      esac
      ;;
    'completion')
      case $prev in
        *) if [[ $cur == -* ]]; then words='--debug --no-color --help'; else words='bash zsh fish'; fi ;;
      esac
      ;;
  esac
  COMPREPLY=()
  IFS=$'\n'
  case $kind in
    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
    directory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
    none) ;;
    *) IFS=$' \t\n'; COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -F _wherry wherry
