package messages

import "errors"

// ErrFault says that a command met a bug of ours each time it was tried: asking again would not help. Whoever asked
// passes the command over, so that nothing waits behind it for ever; the log has the panic and its stack.
var ErrFault = errors.New("a fault in the service")
