// --metadata-file and --iidfile: a small file that is there whole or not at all.
import { writeWhole } from '../image/write-file.ts';

/** @throws OUTPUT_FAILED */
export async function writeResultFile(path: string, text: string): Promise<void> {
  await writeWhole(path, [Buffer.from(text)], new AbortController().signal);
}
