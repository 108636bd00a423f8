// Package where finds a supd: which socket a program asks when nobody said
// which, and which state directory belongs to it.
//
//	--socket ► SUPD_SOCKET ► /run/supd ► $XDG_RUNTIME_DIR/supd ► TMP/supd-UID
//	  said by the user         the first that has a socket; else the first
//	                           that a supd has left its state-dir file in
//
// A per-user directory lies where others can write, so it counts only when its
// owner is the caller or root and nobody else may write there: otherwise anybody
// could answer in supd's name.
package where
