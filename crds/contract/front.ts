/** Fronts that an account's MD_ADDRESS names: several with commas, `tcp://` may be left out. None where it is absent or empty. */
export function frontsNamed(address: string | undefined): string[] {
  const named = (address ?? '').split(',').map(one => one.trim())
  return named.filter(one => one !== '').map(one => (one.includes('://') ? one : `tcp://${one}`))
}
