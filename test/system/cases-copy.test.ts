// Golden cases about what COPY and ADD read and write.
import { runCases } from './cases/run.ts';

runCases(['archive', 'chmod', 'chown', 'copy', 'dest', 'heredoc', 'ignore', 'link', 'url', 'user']);
