/** Ops whose result is their first input with some elements rewritten: one definition for the copy and the in-place form. */

import { sameShape } from '../core/layout.js'
import type { Tensor } from '../core/tensor.js'
import { copyOf } from './copy.js'
import {
  apartFrom,
  checkInPlace,
  commonBackend,
  defineOp,
  needsRecording,
  type OpDefinition,
  OpNode,
  overlapError,
} from './dispatch.js'
import { rebaseHistory } from './inplace.js'

export interface WriteDefinition<A> extends Pick<OpDefinition<A>, 'name' | 'save' | 'backward'> {
  /** Rewrites elements of `target`, which holds the values of the first input; checks data before it writes any. */
  write(target: Tensor, inputs: readonly Tensor[], attrs: A): void
}

/** Runs the op on a copy of its first input, or with `inPlace` on that input itself. */
export interface WriteOp<A> {
  (inputs: readonly Tensor[], attrs: A): Tensor
  inPlace(inputs: readonly Tensor[], attrs: A): Tensor
}

const sameElements = (a: Tensor, b: Tensor): boolean =>
  a.storage === b.storage &&
  a.layout.offset === b.layout.offset &&
  a.layout.numel > 0 &&
  sameShape(a.layout.shape, b.layout.shape)

/** Defines such an op. It may save anything but its first input, which the in-place form overwrites. */
export function defineWrite<A>({ write, ...rest }: WriteDefinition<A>): WriteOp<A> {
  const definition: OpDefinition<A> = {
    ...rest,
    forward: (inputs, attrs) => {
      commonBackend(inputs)
      const out = copyOf(inputs[0])
      write(out, inputs, attrs)
      return [out]
    },
  }
  const run = defineOp(definition)
  return Object.assign((inputs: readonly Tensor[], attrs: A) => run(inputs, attrs)[0], {
    inPlace: (inputs: readonly Tensor[], attrs: A): Tensor => {
      const [self] = inputs
      commonBackend(inputs)
      checkInPlace(self, null, null)
      const node = needsRecording(inputs) ? new OpNode(definition, inputs, attrs, [self]) : null
      const apart = inputs.map((t, i) => {
        if (i > 0 && (t === self || sameElements(t, self))) throw overlapError()
        return t === self ? t : apartFrom(self, t, copyOf)
      })
      write(self, apart, attrs)
      self.storage.version++
      if (node !== null) rebaseHistory(self, node)
      return self
    },
  })
}
