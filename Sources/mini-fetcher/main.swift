// The fetcher's helper as a program of its own: it runs as the task's user, and what it reads cannot harm the agent.

import Glibc
import Unpacking

exit(FetcherProgram.run(Array(CommandLine.arguments.dropFirst())))
