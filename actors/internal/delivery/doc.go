// Package delivery makes one attempt to hand an event to a webhook endpoint, and judges what came of it. It has what
// an attempt needs: the guard against requests into our own networks, the signature, the formats of a body, and
// templates.
//
// It knows no actor, no record and no schedule: who calls, when, and what follows from a verdict is the webhook
// room's business. A Client may be used by many goroutines.
package delivery
