/** Writes docs/pytorch-names.md. Run after `npm run build`. */

import { writeFileSync } from 'node:fs'
import * as torch from '../../packages/flambeau/dist/index.js'
import { namesTable } from './table.mjs'

writeFileSync(new URL('../../docs/pytorch-names.md', import.meta.url), namesTable(torch))
