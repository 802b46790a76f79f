#!/bin/sh
# Kept until package.json names test/install_tools.sh.
exec sh "$(dirname "$0")/install_tools.sh"
