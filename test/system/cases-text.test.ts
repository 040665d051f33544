// Golden cases about the Dockerfile's text, arguments, metadata, stages and bases.
import { runCases } from './cases/run.ts';

const texts = ['arg', 'env', 'expand', 'label', 'parse'];
const metadata = ['base', 'cmd', 'expose', 'health', 'history', 'maintainer', 'shell', 'signal', 'volume', 'workdir'];
runCases([...texts, ...metadata, 'context', 'from', 'onbuild', 'platform', 'stage']);
