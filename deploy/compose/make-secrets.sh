#!/bin/sh
# Writes new secrets for postgresql.yaml into the folder secrets, unless there are some. Keep a copy of master_key.
set -eu
cd "$(dirname "$0")"
test ! -e secrets || { echo "secrets exists already."; exit 1; }
umask 022
mkdir -m 700 secrets
password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
printf '%s' "$password" >secrets/database_password
printf 'postgresql://ari:%s@db/ari' "$password" >secrets/database_url
od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >secrets/master_key
