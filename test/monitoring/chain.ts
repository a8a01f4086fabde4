/** More instruments than the smallest publishing queue has places. */
const count = 1100

/** A catalogue of options on the first instrument of another one, which trade when that does. */
export function optionChainOf(catalogue: string): string {
  const [future] = JSON.parse(catalogue) as { instrument_id: string }[]
  const options = Array.from({ length: count }, (_, number) => ({
    ...future,
    instrument_id: `${future?.instrument_id}C${7000 + number}`,
    ins_class: 'OPTION',
  }))
  return JSON.stringify(options)
}
