/** Which tensors of a state dict share memory, as safetensors tells. */

import type { Backend } from '../backends/backend.js'
import { itemSize } from '../core/dtype.js'
import type { Storage } from '../core/storage.js'
import type { Tensor } from '../core/tensor.js'

/** Bytes of a storage, from the first that a tensor reaches to behind the last. */
const area = ({ layout, dtype }: Tensor): readonly [number, number] => [
  layout.offset * itemSize(dtype),
  layout.extent * itemSize(dtype),
]

/** Names of tensors in groups, each of which overlaps in memory. */
export function sharedTensors(tensors: Readonly<Record<string, Tensor>>): string[][] {
  const byStorage = new Map<Storage<Backend>, string[]>()
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.layout.numel === 0) continue
    const names = byStorage.get(tensor.storage)
    if (names === undefined) byStorage.set(tensor.storage, [name])
    else names.push(name)
  }
  const groups: string[][] = []
  for (const names of byStorage.values()) {
    const areas = names.map((name) => ({ name, area: area(tensors[name]) })).sort((a, b) => a.area[0] - b.area[0])
    let end = -1
    for (const item of areas) {
      if (item.area[0] >= end) groups.push([item.name])
      else groups.at(-1)!.push(item.name)
      end = Math.max(end, item.area[1])
    }
  }
  return groups
}

/** Whether a tensor is all that there is in its storage. */
const isComplete = (tensor: Tensor): boolean => {
  const [start, end] = area(tensor)
  return start === 0 && end === tensor.storage.byteLength
}

/**
 * Names that stand for a tensor which another name stands for as well, under the one to keep: a preferred one if there is any.
 *
 * @throws Error where no tensor of a group has all that the others show parts of
 */
export function duplicateNames(
  tensors: Readonly<Record<string, Tensor>>,
  preferred: ReadonlySet<string> = new Set(),
): Map<string, string[]> {
  const duplicates = new Map<string, string[]>()
  for (const names of sharedTensors(tensors)) {
    if (names.length === 1) continue
    const complete = names.filter((name) => isComplete(tensors[name])).sort()
    if (complete.length === 0)
      throw new Error(
        `Error while trying to find names to remove to save state dict, but found no suitable name to keep for saving amongst: ${JSON.stringify(names.sort())}. None is covering the entire storage. Refusing to save/load the model since you could be storing much more memory than needed.`,
      )
    const kept = complete.find((name) => preferred.has(name)) ?? complete[0]
    duplicates.set(kept, names.filter((name) => name !== kept).sort())
  }
  return duplicates
}
