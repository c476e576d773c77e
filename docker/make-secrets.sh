#!/bin/sh
# Write the secret files that docker-compose.yml mounts. A file that is there is left alone.
# Asks for the bot's token, unless TELEGRAM_BOT_TOKEN is set.
set -eu

folder=$(dirname "$0")/secrets
mkdir -p "$folder"
# Nobody else enters the folder; the files themselves are read by the containers' own users.
chmod 700 "$folder"
umask 022

random() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

keep() { # name value
    if [ -s "$folder/$1" ]; then
        echo "kept     $1"
        return
    fi
    printf '%s' "$2" > "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "written  $1"
}

keep postgres_password "$(random)"
keep postgres_owner_password "$(random)"
keep postgres_runtime_password "$(random)"
keep redis_password "$(random)"
keep database_owner_url \
    "postgres://ai_trader_owner:$(cat "$folder/postgres_owner_password")@postgres:5432/ai_trader"
keep database_url \
    "postgres://ai_trader:$(cat "$folder/postgres_runtime_password")@postgres:5432/ai_trader"
keep redis_url "redis://:$(cat "$folder/redis_password")@redis:6379/0"

keep jwt_secret "$(random)"
keep webhook_secret "$(random)"
keep encryption_keys "k1:$(head -c 32 /dev/urandom | base64 | tr -d '\n')"

if [ ! -s "$folder/telegram_bot_token" ]; then
    token=${TELEGRAM_BOT_TOKEN-}
    if [ -z "$token" ]; then
        printf "The bot's token (from Telegram's BotFather): " >&2
        trap 'stty echo 2>/dev/null || true' EXIT
        stty -echo 2>/dev/null || true
        read -r token
        echo >&2
    fi
    [ -n "$token" ] || { echo "There is no token; run this again when you have one." >&2; exit 1; }
    keep telegram_bot_token "$token"
fi
