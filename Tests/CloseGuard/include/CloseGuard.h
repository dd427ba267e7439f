// Preloaded (LD_PRELOAD), it writes to the file that MINI_CLOSE_LOG names whenever a program of ours closes a descriptor that is
// not open. Such a close is one too many: sooner or later the number is somebody else's, and a file, a connection or the end of
// a process is lost, elsewhere and much later.
