/** Whole models in safetensors files: parameters that several modules share are written once. */

import { readArguments } from '../core/arguments.js'
import type { Tensor } from '../core/tensor.js'
import type { Module } from '../nn/module.js'
import type { LoadResult } from '../nn/stateDict.js'
import { contiguous } from '../ops/view.js'
import { type DeviceOptions, loadFile, type SafeSaveOptions, saveFile } from './safetensorsFile.js'
import { duplicateNames } from './sharedTensors.js'
import type { Loadable, Savable } from './source.js'

/** Options of `saveModel`. */
export interface SaveModelOptions extends SafeSaveOptions {
  /** Packs parameters that are not contiguous: the default. Otherwise they are an error. */
  forceContiguous?: boolean
}

/**
 * Writes a model's state dict to a safetensors file, as `safetensors.torch.save_model`. Of several names for the same memory only
 * the first that has all of it is written; the metadata tells of the others.
 *
 * @throws Error where tensors share memory that none of them shows in full
 * @example
 * const { safetensors } = torch.serialization
 * const path = `${process.env.TMPDIR ?? '/tmp'}/model.safetensors`
 * await safetensors.saveModel(new nn.Linear(3, 2), path)
 * Object.keys(await safetensors.loadFile(path)) // [ 'bias', 'weight' ]
 */
export async function saveModel(model: Module, to: Savable, options: SaveModelOptions = {}): Promise<void> {
  const names = ['metadata', 'forceContiguous'] as const
  const { metadata, forceContiguous = true } = readArguments<SaveModelOptions>('saveModel', [options], [], names)
  const state: Record<string, Tensor> = Object.assign(Object.create(null), model.stateDict())
  const notes: Record<string, string> = Object.assign(Object.create(null), metadata)
  for (const [kept, duplicates] of duplicateNames(state))
    for (const name of duplicates) {
      notes[name] ??= kept
      delete state[name]
    }
  if (forceContiguous) for (const [name, tensor] of Object.entries(state)) state[name] = contiguous(tensor)
  await saveFile(state, to, { metadata: Object.keys(notes).length > 0 ? notes : metadata })
}

/** Options of `loadModel`. */
export interface LoadModelOptions extends DeviceOptions {
  /** Whether names that are missing in the file or unknown to the model are an error: the default. */
  strict?: boolean
}

/**
 * Loads a safetensors file into a model, as `safetensors.torch.load_model`: parameters that the model shares may be in the file
 * under any of their names.
 *
 * @returns the names that were missing and those that were not expected
 * @throws Error for such names, unless `strict` is false
 * @example
 * const { safetensors } = torch.serialization
 * const bytes = safetensors.save({ weight: torch.ones(1, 2), bias: torch.zeros(1) })
 * const model = new nn.Linear(2, 1)
 * await safetensors.loadModel(model, bytes)
 * model(torch.ones(1, 2)).item() // 2
 */
export async function loadModel(model: Module, from: Loadable, options: LoadModelOptions = {}): Promise<LoadResult> {
  const { strict = true, device } = readArguments<LoadModelOptions>('loadModel', [options], [], ['strict', 'device'])
  const state = await loadFile(from, { device })
  const doubles = duplicateNames(model.stateDict() as Record<string, Tensor>, new Set(Object.keys(state)))
  for (const [kept, names] of doubles) if (kept in state) for (const name of names) state[name] ??= state[kept]
  return model.loadStateDict(state, { strict })
}
