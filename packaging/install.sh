#!/bin/sh
# Checks the program beside this script and lets it install the server:
#
#     sudo ./install.sh --ip 198.51.100.23
#
# Whatever stands behind it goes to `portlama server install`, such as --dry-run or --help.
# It fetches nothing. `cargo xtask dist` puts the words between @ signs in.
set -eu

version='@VERSION@'
target='@TARGET@'
# The public keys of releases (minisign), by blanks; none in a build that nobody signed.
keys='@KEYS@'
program="portlama-$version-$target"

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Of a line of a signature or of a key, which are base64 without breaks.
decode() {
    openssl base64 -d -A
}

# The octets after algorithm (2) and key id (8).
behind_id() {
    tail -c +11 "$1"
}

id_of() {
    head -c 10 "$1" | tail -c 8 | od -An -tx1
}

# verify KEY MESSAGE SIGNATURE: Ed25519 (RFC 8032) by openssl, which takes a key as RFC 8410 has it.
verify() {
    { printf '\060\052\060\005\006\003\053\145\160\003\041\000' && behind_id "$1"; } > "$work/der"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/der" -rawin -in "$2" -sigfile "$3" \
        > /dev/null 2>&1
}

# minisign(1): line 2 signs the BLAKE2b digest of the file, line 4 that signature and the comment.
signature_holds() {
    sed -n 2p "$program.minisig" | decode > "$work/signature"
    sed -n 4p "$program.minisig" | decode > "$work/above"
    [ "$(head -c 2 "$work/signature")" = ED ] || return 1
    comment=$(sed -n '3s/^trusted comment: //p' "$program.minisig")
    sum=$(sha256sum < "$program")
    [ "$comment" = "portlama version=$version target=$target sha256=${sum%% *}" ] || return 1
    behind_id "$work/signature" > "$work/below"
    { cat "$work/below" && printf '%s' "$comment"; } > "$work/commented"
    openssl dgst -blake2b512 -binary "$program" > "$work/digest"
    for key in $keys; do
        printf '%s' "$key" | decode > "$work/key"
        [ "$(id_of "$work/key")" = "$(id_of "$work/signature")" ] || continue
        verify "$work/key" "$work/digest" "$work/below" || return 1
        verify "$work/key" "$work/commented" "$work/above" && return 0
    done
    return 1
}

[ "$(uname -s)-$(uname -m)" = "Linux-${target%-linux}" ] ||
    fail "this is $(uname -s) on $(uname -m), and the program is for $target"
[ "$(id -u)" -eq 0 ] || fail "this needs root: run it with sudo"
cd -- "$(dirname -- "$0")"
for file in "$program" SHA256SUMS; do
    [ -f "$file" ] || fail "$file is missing here: unpack the whole archive"
done
grep -q "^[0-9a-f]*  $program\$" SHA256SUMS || fail "SHA256SUMS does not name $program"
sha256sum --check --strict --status SHA256SUMS ||
    fail "$program is damaged or was changed: fetch the archive again"
if [ -n "$keys" ]; then
    command -v openssl > /dev/null ||
        fail "openssl is needed to check the signature: apt install openssl"
    [ -f "$program.minisig" ] || fail "$program.minisig is missing here: unpack the whole archive"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    signature_holds ||
        fail "the signature of $program does not hold: do not run it, fetch the archive again"
    rm -rf "$work"
    trap - EXIT
    printf 'The signature of %s holds.\n' "$program" >&2
else
    printf 'Nobody signed this build: its checksum alone was checked.\n' >&2
fi
exec "./$program" server install "$@"
