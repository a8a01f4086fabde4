import { Option } from 'commander'

/** `-o`, with the formats that a verb has. */
export function output(choices: readonly string[], fallback: string): Option {
  return new Option('-o, --output <format>', 'format').choices(choices).default(fallback)
}
