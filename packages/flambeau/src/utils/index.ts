/** `torch.utils`. */

export { type CheckpointOptions, checkpoint } from '../autograd/checkpoint.js'
