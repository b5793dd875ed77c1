#!/usr/bin/env python3
"""Checks a signed checkpoint and a proof that replay-tool kept. Shares no code with the ledger.

    verify_proof.py PROOF --checkpoint NOTE --key VKEY [--old-checkpoint NOTE [--old-key VKEY]]

Exit 0 proven, 1 not proven, 2 cannot be checked (a file is not what it should be, or is not signed by the key).
Follows RFC 9162 sections 2.1.3.2 and 2.1.4.2 for the proofs, C2SP signed-note and tlog-checkpoint for the notes.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class CannotCheck(Exception):
    pass


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_key(text):
    """Name, id and public key of `name+id+base64`."""
    path = pathlib.Path(text)
    if "+" not in text or path.exists():
        text = path.read_text()
    name, key_id, key = text.strip().split("+", 2)
    raw = base64.b64decode(key, validate=True)
    if len(raw) != 33 or raw[0] != 1:
        raise CannotCheck("not an Ed25519 key")
    if sha256(name.encode(), b"\n", raw)[:4].hex() != key_id:
        raise CannotCheck("the key's id is not its own")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def read_checkpoint(path, key):
    """Size and root of a note that the key signed."""
    name, key_id, public = key
    note = pathlib.Path(path).read_bytes().decode()
    text, separator, signatures = note.rpartition("\n\n")
    if not separator or not signatures.endswith("\n"):
        raise CannotCheck("not a signed note")
    text += "\n"
    signed = False
    for line in signatures.splitlines():
        match = re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise CannotCheck("not a signature line")
        raw = base64.b64decode(match[2], validate=True)
        if match[1] == name and raw[:4] == key_id:
            public.verify(raw[4:], text.encode())
            signed = True
    if not signed:
        raise CannotCheck("not signed by this key")
    origin, size, root = text.split("\n")[:3]
    if origin != name or not re.fullmatch("0|[1-9][0-9]*", size):
        raise CannotCheck("not a checkpoint of this log")
    return int(size), base64.b64decode(root, validate=True)


def digest(text):
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise CannotCheck("a hash is 64 digits of lowercase hex")
    return bytes.fromhex(text)


def inclusion(proof, size, root):
    record = base64.b64decode(proof["record"], validate=True)
    leaf = sha256(b"\0", record)
    if leaf != digest(proof["leaf_hash"]):
        return False
    position, last, node = proof["position"], size - 1, leaf
    if not 0 <= position <= last:
        return False
    for sibling in map(digest, proof["path"]):
        if last == 0:
            return False
        if position & 1 or position == last:
            node = sha256(b"\1", sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = sha256(b"\1", node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def consistency(proof, size, root):
    old, old_root = proof["old_size"], digest(proof["old_root"])
    path = [digest(node) for node in proof["path"]]
    if old == 0:
        return old_root == sha256() and not path
    if old == size:
        return old_root == root and not path
    if not 0 < old < size:
        return False
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    first, last = old - 1, size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    in_old = in_new = path[0]
    for node in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            in_old, in_new = sha256(b"\1", node, in_old), sha256(b"\1", node, in_new)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            in_new = sha256(b"\1", in_new, node)
        first, last = first >> 1, last >> 1
    return last == 0 and in_old == old_root and in_new == root


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("proof")
    arguments.add_argument("--checkpoint", required=True)
    arguments.add_argument("--key", required=True)
    arguments.add_argument("--old-checkpoint")
    arguments.add_argument("--old-key")
    given = arguments.parse_args()
    size, root = read_checkpoint(given.checkpoint, read_key(given.key))
    proof = json.loads(pathlib.Path(given.proof).read_text())
    if proof["type"] == "inclusion":
        if proof["size"] != size or given.old_checkpoint:
            raise CannotCheck("the proof and the checkpoints do not go together")
        return inclusion(proof, size, root)
    if proof["type"] != "consistency" or proof["new_size"] != size:
        raise CannotCheck("the proof and the checkpoints do not go together")
    if given.old_checkpoint:
        old = read_checkpoint(given.old_checkpoint, read_key(given.old_key or given.key))
        if old[0] != proof["old_size"]:
            raise CannotCheck("the proof and the checkpoints do not go together")
        if old[1] != digest(proof["old_root"]):
            return False
    return consistency(proof, size, root)


if __name__ == "__main__":
    try:
        proven = main()
    except (CannotCheck, InvalidSignature, OSError, ValueError, KeyError, TypeError) as error:
        print(f"cannot be checked: {error or type(error).__name__}", file=sys.stderr)
        sys.exit(2)
    print("proven" if proven else "not proven")
    sys.exit(0 if proven else 1)
