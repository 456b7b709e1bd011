#!/usr/bin/env python3
"""`make cluster`: the local cluster from configs/local with the ISO tables in it, until Ctrl-C.

A first start initialises the empty data directories under .cluster/ and imports; a later one finds its data there.
"""
import signal
import subprocess
import sys

from launch import BIN, CONFIGS, EXPLAINER, HTTP, NODES, ROOT, Failed, aerodb_json, end_with_parent, import_tables, wait_ready


def main():
    # The launcher ends every role when it ends, and ends itself when this script does: its standard input is a pipe of ours.
    launcher = subprocess.Popen([str(BIN / "aerodb"), "local", str(CONFIGS), "--init-primary", "p1", "--exit-with-stdin"], cwd=ROOT,
                                stdin=subprocess.PIPE)
    # Ctrl-C reaches the launcher too, which stops the roles in order; a second signal cuts that short. A SIGTERM comes to
    # this script alone, and is passed on.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: launcher.terminate())
    end_with_parent()
    try:
        for node in NODES:
            wait_ready(node)
        if not aerodb_json("schema", "list", "--node", NODES["p1"])["schemas"]:
            print("importing the ISO tables of iso-codes", flush=True)
            import_tables("p1", capture=False)
        print_welcome()
    except Failed as failed:
        if launcher.poll() is None:
            print(f"cluster: {failed}", file=sys.stderr)
        launcher.terminate()
        launcher.wait()
        return 1
    return launcher.wait()


def print_welcome():
    print("\nThe cluster is up.")
    for node, address in NODES.items():
        print(f"  {node}  {address}")
    print(f"  explainer  {HTTP}/v1/status")
    print(f"  to look at {HTTP}/")
    print("\nThree commands worth typing, in another terminal:")
    print(f"  build/release/bin/aerodb query countries --where 'name=Iceland' --limit 5 --node {NODES['r1']}")
    print(f"  build/release/bin/aerodb explain read countries IS --node r2 --explainer {EXPLAINER}")
    print("  build/release/bin/aerodb inspect cluster --control-plane unix:.cluster/c1/control_plane.sock")
    print("\nCtrl-C stops it.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
