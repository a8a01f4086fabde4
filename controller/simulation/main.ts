import { parseArgs } from 'node:util'

console.log(parseArgs({ options: {} }))
