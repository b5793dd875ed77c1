#!/bin/sh
# Prints the path of an hledger that runs: the one of this machine, or Debian's, unpacked into the folder $1 without being root.
# hledger comes as no package of pip, npm or cargo. Apt checks the signatures; where the machine has no lists, they are fetched
# into the folder too.
set -eu

if command -v hledger; then
    exit 0
fi
mkdir -p "$1"
cd "$1"
if [ ! -x root/usr/bin/hledger ]; then
    for tool in apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || { echo "no hledger, and no $tool to get it with: install hledger" >&2; exit 1; }
    done
    mkdir -p lists/partial cache/archives/partial
    packages="hledger libffi8 libgmp10 libtinfo6"
    own="-o Dir::State::Lists=$PWD/lists -o Dir::Cache=$PWD/cache -o APT::Sandbox::User= -o Debug::NoLocking=1"
    # shellcheck disable=SC2086 # lists of words
    apt-get -qq download $packages >&2 || {
        apt-get -qq $own update >&2
        apt-get -qq $own download $packages >&2
    }
    rm -rf unpacked
    for package in ./*.deb; do
        dpkg-deb -x "$package" unpacked
    done
    mv unpacked root
fi
# Its libraries, where the machine has none of them.
libraries=$(dirname "$(find "$PWD/root" -name 'libgmp.so.10' | head -n 1)")
cat >run <<RUN
#!/bin/sh
LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+\$LD_LIBRARY_PATH:}$libraries:$PWD/root/lib/x86_64-linux-gnu" exec "$PWD/root/usr/bin/hledger" "\$@"
RUN
chmod +x run
echo "$PWD/run"
