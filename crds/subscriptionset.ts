import * as z from 'zod'
import { exchanges, productClasses } from './contract/catalogue.ts'
import { baseStatusSchema } from './contract/resource.ts'
import { defineKind } from './kind.ts'
import { relativePath } from './path.ts'

/** `EXCHANGE.ID`, as in `CZCE.AP010` or `DCE.SP p2009&p2010`. */
export const qualifiedInstrument = z
  .string()
  .regex(
    /^(SHFE|DCE|CZCE|CFFEX|INE|GFEX)\.[A-Za-z0-9][A-Za-z0-9 &._-]{0,79}$/,
    'write an instrument as EXCHANGE.ID, such as CZCE.AP010',
  )

const selector = z.strictObject({
  exchanges: z.array(z.enum(exchanges)).min(1).optional().meta({ description: 'Exchanges; all when absent.' }),
  products: z.array(z.string().min(1)).min(1).optional().meta({ description: 'Products, such as rb or AP; all when absent.' }),
  classes: z.array(z.enum(productClasses)).min(1).optional().meta({ description: 'Product classes; all when absent.' }),
})

export const subscriptionSetSpec = z.strictObject({
  catalogue: relativePath('data').meta({
    description: 'Catalogue file (JSON, optionally .gz), relative to the data directory.',
  }),
  instruments: z
    .array(qualifiedInstrument)
    .max(20_000)
    .default([])
    .meta({ description: 'Instruments by name; each must be in the catalogue.' }),
  select: z.array(selector).max(64).default([]).meta({ description: 'Selectors; an instrument that fits any of them is in.' }),
  exclude: z.array(qualifiedInstrument).max(20_000).default([]).meta({ description: 'Instruments to leave out.' }),
  limit: z.int().min(1).max(20_000).optional().meta({ description: 'At most so many instruments, in the order of their names.' }),
})

export type SubscriptionSetSpec = z.infer<typeof subscriptionSetSpec>

export const subscriptionSet = defineKind({
  kind: 'SubscriptionSet',
  plural: 'subscriptionsets',
  shortNames: ['subs'],
  description: 'A set of instruments: by name, and by exchange, product and class against a catalogue.',
  spec: subscriptionSetSpec,
  status: baseStatusSchema.extend({
    instruments: z.int().optional().meta({ description: 'Instruments that the set resolves to.' }),
  }),
  columns: [
    { name: 'Instruments', path: '.status.instruments', type: 'integer' },
    { name: 'Catalogue', path: '.spec.catalogue', wide: true },
  ],
  rules: [
    {
      path: '',
      cel: '(has(self.instruments) && size(self.instruments) > 0) || (has(self.select) && size(self.select) > 0)',
      holds: spec => spec.instruments.length + spec.select.length > 0,
      message: 'name at least one instrument in instruments, or one selector in select',
    },
  ],
})
