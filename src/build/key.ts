// A planned stage → its key: what decides its layers, and nothing else. Stages with one key are solved once, also when
// several platforms share one.
import { digestOf } from '../oci/digest.ts';
import type { PlannedStage, StageBase, StepSource } from './step.ts';

/** Digest of what decides a stage's layers: stages and images stand for themselves by key and digest. */
export function keyOfStage(stage: Pick<PlannedStage, 'base' | 'steps'>): string {
  const steps = stage.steps.map(({ title: _, range: __, noCache: ___, ...step }) =>
    step.kind === 'copy' ? { ...step, sources: step.sources.map(sourceKey) } : step,
  );
  return digestOf(JSON.stringify({ base: baseKey(stage.base), steps }));
}

function baseKey(base: StageBase): unknown {
  if (base.kind === 'stage') return { stage: base.stage.key };
  if (base.kind === 'image') return { image: base.image.resolved.manifest.descriptor.digest };
  return base.kind === 'tree' ? { tree: base.name } : base;
}

function sourceKey(source: StepSource): unknown {
  if (source.kind !== 'path') return source;
  return { path: source.path, root: source.root.kind === 'context' ? 'context' : baseKey(source.root) };
}
