#compdef wherry
# zsh completion of wherry, made by: wherry completion zsh
_wherry() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
    'build:build an image from a Dockerfile'
    'push:push an image of the local store to a registry'
    'pull:pull images from a registry into the local store'
    'copy:copy an image from place to place'
    'tag:give an image of the local store another name'
    'tags:list the tags of a repository at its registry'
    'images:list the images of the local store'
    'history:show the steps an image was made of'
    'inspect:show an image: manifest, config, platforms'
    'rm:remove names from the local store, and blobs that nothing else needs'
    'save:write images of the local store to an archive'
    'load:read images from an archive into the local store'
    'login:check and save credentials of a registry'
    'logout:forget credentials of a registry'
    'registry:a group of commands: serve'
    'version:show the version'
    'help:show help for a command'
    'completion:print a completion script for a shell'
  )
  _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)--version[show the version]' '1: :->command' '*:: :->rest' && return
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
        build)
          _arguments -s \
            {-f+,--file=}'[the Dockerfile\: a path, "-" for standard input, or an http(s) URL]:FILE:_files' \
            --target='[build up to this stage]:STAGE: ' \
            '*'--build-arg='[value of an ARG; KEY alone takes it from the environment]:KEY\[=VALUE\]: ' \
            '*'--build-context='[named context\: a directory, URL, git repository, docker-image\://NAME or oci-layout\://DIR\[\:TAG|@DIGEST\]]:NAME=SOURCE: ' \
            '*'--platform='[platforms to build for; several make an index]:OS/ARCH: ' \
            '*'{-t+,--tag=}'[name of the result]:NAME\[\:TAG\]: ' \
            '*'--label='[label of the image'\''s config]:KEY=VALUE: ' \
            '*'--annotation='[annotation; TYPE is manifest, index, manifest-descriptor or index-descriptor, each perhaps with \[OS/ARCH\]]:\[TYPE\:\]KEY=VALUE: ' \
            --timestamp='[no time in the image is later\: seconds since 1970]:SECONDS: ' \
            --no-cache'[look nothing up in the cache]' \
            '*'--no-cache-filter='[look nothing up for these stages]:STAGE: ' \
            --pull'[ask the registry for every base again, also where the store has it]' \
            --push'[push the result to the registries of its tags; the local store does not keep it]' \
            '*'{-o+,--output=}'[type=image|registry|oci|docker|local|tar|cacheonly with keys such as dest=FILE; DIR alone is a local directory, "-" a tar on standard output]:SPEC:_files -/' \
            --metadata-file='[write digests and names as JSON]:FILE:_files' \
            --iidfile='[write the image id\: the config'\''s digest, or the index'\''s for several platforms]:FILE:_files' \
            '*'--secret='[secret that a RUN may mount]:id=ID\[,src=FILE|,env=NAME\]: ' \
            '*'--ssh='[agent socket or keys that a RUN may mount]:default|ID\[=SOCKET|KEY\]: ' \
            --network='[network of RUN]:MODE:(default none host)' \
            '*'--add-host='[line of /etc/hosts in RUN]:HOST\:IP: ' \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            --progress='[how progress is shown on standard error]:VIEW:(auto plain tty json quiet)' \
            {-q,--quiet}'[no progress\: --progress=quiet]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:CONTEXT:_files -/'
          ;;
        push)
          _arguments -s \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            --progress='[how progress is shown on standard error]:VIEW:(auto plain tty json quiet)' \
            {-q,--quiet}'[no progress\: --progress=quiet]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:NAME: ' \
            '2:DESTINATION: '
          ;;
        pull)
          _arguments -s \
            --platform='[which image of an index]:OS/ARCH: ' \
            --all-platforms'[all images of an index]' \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            --progress='[how progress is shown on standard error]:VIEW:(auto plain tty json quiet)' \
            {-q,--quiet}'[no progress\: --progress=quiet]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '*:NAME: '
          ;;
        copy)
          _arguments -s \
            --platform='[only this image of an index]:OS/ARCH: ' \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            --progress='[how progress is shown on standard error]:VIEW:(auto plain tty json quiet)' \
            {-q,--quiet}'[no progress\: --progress=quiet]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:SOURCE: ' \
            '2:DESTINATION: '
          ;;
        tag)
          _arguments -s \
            --store='[the local store]:DIR:_files -/' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:SOURCE: ' \
            '2:TARGET: '
          ;;
        tags)
          _arguments -s \
            --range='[only versions in this range, e.g. ^20 or ">=3.18 <4"]:RANGE: ' \
            --suffix='[with --range\: what follows the numbers, e.g. -alpine]:TEXT: ' \
            --json'[JSON on standard output]' \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:REPOSITORY: '
          ;;
        images)
          _arguments -s \
            --json'[JSON on standard output]' \
            --no-trunc'[do not shorten digests and texts]' \
            --store='[the local store]:DIR:_files -/' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]'
          ;;
        history)
          _arguments -s \
            --platform='[which image of an index]:OS/ARCH: ' \
            --json'[JSON on standard output]' \
            --no-trunc'[do not shorten digests and texts]' \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:NAME: '
          ;;
        inspect)
          _arguments -s \
            --platform='[only this image of an index]:OS/ARCH: ' \
            --raw'[only the manifest or index, as JSON]' \
            --config'[only the config, as JSON]' \
            --json'[JSON on standard output]' \
            --store='[the local store]:DIR:_files -/' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            '*'--mirror='[ask this host first for images of a registry]:REGISTRY=HOST\[/PREFIX\]: ' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:PLACE: '
          ;;
        rm)
          _arguments -s \
            --json'[JSON on standard output]' \
            --store='[the local store]:DIR:_files -/' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '*:NAME: '
          ;;
        save)
          _arguments -s \
            {-o+,--output=}'[the archive; "-" is standard output]:FILE:_files' \
            --format='[kind of archive]:FORMAT:(docker oci)' \
            --platform='[which image of an index]:OS/ARCH: ' \
            --store='[the local store]:DIR:_files -/' \
            --progress='[how progress is shown on standard error]:VIEW:(auto plain tty json quiet)' \
            {-q,--quiet}'[no progress\: --progress=quiet]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '*:NAME: '
          ;;
        load)
          _arguments -s \
            {-i+,--input=}'[the archive; "-" is standard input]:FILE:_files' \
            --store='[the local store]:DIR:_files -/' \
            --progress='[how progress is shown on standard error]:VIEW:(auto plain tty json quiet)' \
            {-q,--quiet}'[no progress\: --progress=quiet]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]'
          ;;
        login)
          _arguments -s \
            {-u+,--username=}'[user name]:NAME: ' \
            --password-stdin'[read the password from standard input]' \
            {-p+,--password=}'[password\: visible to other users of the machine, use --password-stdin]:PASSWORD: ' \
            '*'--insecure='[registry that may be spoken to over http or with an unknown certificate]:HOST\[\:PORT\]: ' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:REGISTRY: '
          ;;
        logout)
          _arguments -s \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:REGISTRY: '
          ;;
        version)
          _arguments -s \
            --json'[JSON on standard output]' \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]'
          ;;
        help)
          _arguments -s \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '*:COMMAND:(build push pull copy tag tags images history inspect rm save load login logout registry version help completion)'
          ;;
        completion)
          _arguments -s \
            {-D,--debug}'[print the stack of an error]' \
            --no-color'[no colours (also\: NO_COLOR)]' \
            {-h,--help}'[show this help]' \
            '1:SHELL:(bash zsh fish)'
          ;;
        registry)
          _arguments -C '1:command:(serve)' '*:: :->nested' && return
          case $words[1] in
            serve)
              _arguments -s \
                --addr='[where it listens; port 0 takes a free one]:HOST\:PORT: ' \
                --root='[layout directory that it serves]:DIR:_files -/' \
                --read-only'[refuse every write]' \
                --htpasswd='[ask for a user and password of this file]:FILE:_files' \
                {-D,--debug}'[print the stack of an error]' \
                --no-color'[no colours (also\: NO_COLOR)]' \
                {-h,--help}'[show this help]'
              ;;
          esac
          ;;
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _wherry ]]; then _wherry "$@"; else compdef _wherry wherry; fi
