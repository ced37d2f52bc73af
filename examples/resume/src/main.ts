/** `node examples/resume/dist/main.js [file]`: interrupt it as often as you like, start it again, and compare the last line. */

import { createHash } from 'node:crypto'
import * as torch from 'flambeau'
import { train } from './resume.js'

const file = process.argv[2] ?? 'resume.pt'
const model = await train(file, (step) => console.log(`step ${step} saved in ${file}`))
const weights = await torch.serialization.toBytes(model.stateDict())
console.log(`weights ${createHash('sha256').update(weights).digest('hex')}`)
