// Starts the Python language host beside it such that an interrupt ends it, whatever this process has inherited.
//
// Where SIGINT is ignored (`pulumi up &` in a script, cron), Go keeps it so, and the engine, which ends its language
// host by SIGINT, would wait 5 s for it in vain.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// host is found by this name in the launcher's folder.
const host = "python-language-host"

func main() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT) // a signal that is caught is reset by exec; see execve(2)
	self, err := os.Executable()
	if err == nil {
		self = filepath.Join(filepath.Dir(self), host)
		err = syscall.Exec(self, append([]string{self}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintf(os.Stderr, "the Python language host %s can't be started: %v\n", self, err)
	os.Exit(1)
}
