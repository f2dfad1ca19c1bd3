#!/bin/sh
# The application: says how it was started and waits.
echo "app in ${APP_ENV:-no environment}"
exec sleep 86400
