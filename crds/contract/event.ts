/** An event of the controller: something that happened to a resource, for operators. `key` is `namespace/name`. */
export type ResourceEvent = {
  sequence: number
  /** ms since 1970 */
  at: number
  kind: string
  key: string
  type: 'Normal' | 'Warning'
  /** CamelCase, from a closed list per kind. */
  reason: string
  message: string
  /** How often the same event came in a row; `at` is the newest. */
  count: number
}
