//go:build !synctests

package simulation

// Enabled says whether the Kafka client is built for a bubble.
const Enabled = false
