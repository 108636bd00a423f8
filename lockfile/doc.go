// Package lockfile keeps maintenance locks, and the gate that every action on a service passes.
package lockfile
