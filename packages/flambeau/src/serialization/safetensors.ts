/** `torch.serialization.safetensors`: named like the Python package's functions for PyTorch. */

export {
  type DeviceOptions,
  load,
  loadFile,
  SafeFile,
  type SafeSaveOptions,
  type SafeSlice,
  safeOpen,
  save,
  saveFile,
} from './safetensorsFile.js'
export type { SafeDType } from './safetensorsHeader.js'
export { type LoadModelOptions, loadModel, type SaveModelOptions, saveModel } from './safetensorsModel.js'
