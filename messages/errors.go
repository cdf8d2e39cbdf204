package messages

import "errors"

// ErrFault says that a command met a bug of the service each time it was tried, so asking again would not help. Whoever
// asked passes the command over, so that nothing waits behind it forever. The log has the panic and its stack.
var ErrFault = errors.New("a fault in the service")
