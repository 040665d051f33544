// The table → completion scripts for bash, zsh and fish. They are static: no command runs while the user types.
import { didYouMean, WherryError } from '../errors.ts';
import type { Command, Flag } from './command.ts';
import { commands, flagsOf, groupOf } from './table.ts';

const shells = { bash, zsh, fish } as const;

/** The completion script of a shell. @throws ARGUMENT_INVALID */
export function completionOf(shell: string): string {
  if (shell === 'bash' || shell === 'zsh' || shell === 'fish') return shells[shell]();
  throw new WherryError('ARGUMENT_INVALID', `unknown shell: ${shell}${didYouMean(shell, Object.keys(shells))}`, {
    hint: 'Want bash, zsh or fish.',
  });
}

/** First words: commands, and groups such as `registry`. */
function firstWords(): readonly { readonly word: string; readonly summary: string }[] {
  const words = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [word = '', second] = name.split(' ');
    if (!words.has(word))
      words.set(
        word,
        second === undefined
          ? summary
          : `a group of commands: ${groupOf(word)
              .map((each) => each.name.slice(word.length + 1))
              .join(', ')}`,
      );
  }
  return [...words].map(([word, summary]) => ({ word, summary }));
}

function groups(): readonly string[] {
  return [
    ...new Set(
      commands.filter((command) => command.name.includes(' ')).map((command) => command.name.split(' ')[0] ?? ''),
    ),
  ];
}

function shownFlags(command: Command): readonly Flag[] {
  return flagsOf(command).filter((flag) => !flag.hidden);
}

/** The words that may stand for an argument of a command: commands for help, shells for completion. */
function argumentWords(command: Command): readonly string[] {
  if (command.name === 'completion') return Object.keys(shells);
  return command.arguments.some((argument) => argument.complete === 'command')
    ? firstWords().map(({ word }) => word)
    : [];
}

function argumentCompletes(command: Command, kind: 'file' | 'directory'): boolean {
  return command.arguments.some((argument) => argument.complete === kind);
}

function bash(): string {
  const cases = commands.map((command) => bashCase(command)).join('\n');
  const subcommands = groups().map(
    (group) =>
      `    ${group}) words='${groupOf(group)
        .map((each) => each.name.slice(group.length + 1))
        .join(' ')}' ;;`,
  );
  return `# bash completion of wherry, made by: wherry completion bash
_wherry() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' words='' kind='' i
  local IFS=$' \\t\\n'
  # "--flag=value" comes as three words.
  if [[ $cur == = ]]; then cur=''
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      -*) ;;
      *)
        command="\${command:+$command }\${COMP_WORDS[i]}"
        case $command in ${groups().join('|')}) ;; *) break ;; esac
        ;;
    esac
  done
  case $command in
    '') words='${firstWords()
      .map(({ word }) => word)
      .join(' ')} --help --version' ;;
${subcommands.join('\n')}
${cases}
  esac
  COMPREPLY=()
  IFS=$'\\n'
  case $kind in
    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
    directory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
    none) ;;
    *) IFS=$' \\t\\n'; COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -F _wherry wherry
`;
}

function bashCase(command: Command): string {
  const names = (flag: Flag): string => `${flag.short === undefined ? '' : `-${flag.short}|`}--${flag.name}`;
  const valued = shownFlags(command).filter((flag) => flag.value !== undefined);
  const choices = valued
    .filter((flag) => flag.choices !== undefined)
    .map((flag) => `        ${names(flag)}) words='${flag.choices?.join(' ')}' ;;`);
  const kinds = (['file', 'directory', 'none'] as const).flatMap((kind) => {
    const fitting = valued.filter(
      (flag) =>
        flag.choices === undefined &&
        (flag.complete === 'file' || flag.complete === 'directory' ? flag.complete : 'none') === kind,
    );
    return fitting.length === 0 ? [] : [`        ${fitting.map(names).join('|')}) kind=${kind} ;;`];
  });
  const words = shownFlags(command).map((flag) => `--${flag.name}`);
  const plain = argumentWords(command).join(' ');
  const operand = argumentCompletes(command, 'directory')
    ? 'kind=directory'
    : plain === ''
      ? 'kind=none'
      : `words='${plain}'`;
  const other = `        *) if [[ $cur == -* ]]; then words='${words.join(' ')}'; else ${operand}; fi ;;`;
  return [`    '${command.name}')`, '      case $prev in', ...choices, ...kinds, other, '      esac', '      ;;'].join(
    '\n',
  );
}

function zsh(): string {
  const describe = firstWords().map(({ word, summary }) => `    ${single(`${word}:${summary}`)}`);
  const cases = commands
    .filter((command) => !command.name.includes(' '))
    .map((command) => zshCase(command, command.name, '        '));
  const nested = groups().map((group) => {
    const subcommands = groupOf(group).map((command) =>
      zshCase(command, command.name.slice(group.length + 1), '            '),
    );
    return `        ${group})
          _arguments -C '1:command:(${groupOf(group)
            .map((each) => each.name.slice(group.length + 1))
            .join(' ')})' '*:: :->nested' && return
          case $words[1] in
${subcommands.join('\n')}
          esac
          ;;`;
  });
  return `#compdef wherry
# zsh completion of wherry, made by: wherry completion zsh
_wherry() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
${describe.join('\n')}
  )
  _arguments -C '(- *)'{-h,--help}'[show help]' '(- *)--version[show the version]' '1: :->command' '*:: :->rest' && return
  case $state in
    command) _describe command commands ;;
    rest)
      case $words[1] in
${[...cases, ...nested].join('\n')}
      esac
      ;;
  esac
}
if [[ $funcstack[1] == _wherry ]]; then _wherry "$@"; else compdef _wherry wherry; fi
`;
}

function zshCase(command: Command, word: string, indent: string): string {
  const specs = shownFlags(command).map(zshFlag);
  const plain = argumentWords(command).join(' ');
  const action = argumentCompletes(command, 'directory') ? '_files -/' : plain === '' ? ' ' : `(${plain})`;
  const operands = command.arguments.map((argument, index) =>
    single(`${argument.repeatable ? '*' : index + 1}:${argument.name}:${action}`),
  );
  return [
    `${indent}${word})`,
    `${indent}  _arguments -s \\`,
    ...[...specs, ...operands].map((spec, index, all) => `${indent}    ${spec}${index < all.length - 1 ? ' \\' : ''}`),
    `${indent}  ;;`,
  ].join('\n');
}

function zshFlag(flag: Flag): string {
  const action =
    flag.choices !== undefined
      ? `(${flag.choices.join(' ')})`
      : flag.complete === 'file'
        ? '_files'
        : flag.complete === 'directory'
          ? '_files -/'
          : ' ';
  const value = flag.value === undefined ? '' : `:${zshText(flag.value)}:${action}`;
  const text = `[${zshText(flag.summary)}]${value}`;
  const long = `--${flag.name}${flag.value === undefined ? '' : '='}`;
  const names = flag.short === undefined ? long : `{-${flag.short}${flag.value === undefined ? '' : '+'},${long}}`;
  return `${flag.repeatable ? "'*'" : ''}${names}${single(text)}`;
}

/** Text inside a specification: brackets, colons and backslashes are escaped. */
function zshText(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&');
}

function fish(): string {
  const lines = [
    '# fish completion of wherry, made by: wherry completion fish',
    'complete -c wherry -f',
    `complete -c wherry -n __fish_use_subcommand -l version -d 'show the version'`,
  ];
  for (const { word, summary } of firstWords())
    lines.push(`complete -c wherry -n __fish_use_subcommand -a ${word} -d ${single(summary)}`);
  for (const command of commands) {
    const [first = '', second] = command.name.split(' ');
    const here =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    if (second !== undefined)
      lines.push(
        `complete -c wherry -n '__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${second}' -a ${second} -d ${single(command.summary)}`,
      );
    for (const flag of shownFlags(command)) lines.push(`complete -c wherry -n '${here}' ${fishFlag(flag)}`);
    const words = argumentWords(command);
    if (words.length > 0) lines.push(`complete -c wherry -n '${here}' -a '${words.join(' ')}'`);
    if (argumentCompletes(command, 'directory'))
      lines.push(`complete -c wherry -n '${here}' -a '(__fish_complete_directories)'`);
  }
  return `${lines.join('\n')}\n`;
}

function fishFlag(flag: Flag): string {
  const value =
    flag.value === undefined
      ? ''
      : flag.choices !== undefined
        ? ` -x -a '${flag.choices.join(' ')}'`
        : flag.complete === 'file'
          ? ' -r -F'
          : flag.complete === 'directory'
            ? " -x -a '(__fish_complete_directories)'"
            : ' -x';
  return `-l ${flag.name}${flag.short === undefined ? '' : ` -s ${flag.short}`}${value} -d ${single(flag.summary)}`;
}

/** A word in single quotes, for bash and zsh; fish reads it too where no backslash is in it. */
function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
