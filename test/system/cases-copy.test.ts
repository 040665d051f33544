// Golden cases about what COPY and ADD read and write.
import { runCases, topics } from './cases/run.ts';

runCases(topics.copying);
