# shellcheck shell=bash
# common.sh: shared by the scripts of this folder. A script shows what it would do; with --yes it does it.
# shellcheck disable=SC2034 # the scripts use the variables that are set here

set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
aws=${LURKER_AWS:-/usr/bin/aws}
program=${0##*/}
yes=no
stack=
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-}}
aws_options=()

die() {
	printf '%s: %s\n' "$program" "$*" >&2
	exit 1
}

misuse() {
	printf '%s: %s (see --help)\n' "$program" "$*" >&2
	exit 2
}

common_help="      --region R         AWS region (default: AWS_REGION, else the profile's)
      --profile P        profile of ~/.aws
      --yes              do it; without --yes, only show what would be done
  -h, --help             this text"

# common_option ARG…: takes the stack, or an option that all scripts have; sets `taken` to the number of words.
common_option() {
	case $1 in
	--yes) yes=yes taken=1 ;;
	--region) region=$(value "$@") taken=2 ;;
	--profile) aws_options+=(--profile "$(value "$@")") taken=2 ;;
	-h | --help) usage && exit 0 ;;
	-*) misuse "no option $1" ;;
	*)
		[ -z "$stack" ] || misuse "unexpected operand $1"
		stack=$1 taken=1
		;;
	esac
}

# value OPTION VALUE…: the value, which must be there.
value() {
	[ -n "${2:-}" ] || misuse "$1 needs a value"
	printf '%s' "$2"
}

# stack_name NAME: checks it. The bucket's name begins with it and allows less than CloudFormation does.
stack_name() {
	[[ ${1:-} =~ ^[a-z][a-z0-9-]{0,29}$ ]] ||
		misuse "a stack needs a name of small letters, digits and dashes, at most 30, not \"${1:-}\""
}

call() {
	"$aws" ${aws_options[@]+"${aws_options[@]}"} ${region:+--region "$region"} "$@"
}

# step WORDS COMMAND…: shows one step, and runs it with --yes.
step() {
	local words=$1
	shift
	printf '# %s\n' "$words"
	printf '%s' "${aws##*/}"
	printf ' %q' ${aws_options[@]+"${aws_options[@]}"} ${region:+--region "$region"} "$@"
	printf '\n'
	if [ "$yes" = yes ]; then
		call "$@" || die "this failed: $words"
	fi
}

finish() {
	if [ "$yes" != yes ]; then
		printf '# Nothing was done. Add --yes to do it.\n'
	fi
}

# output_of STACK KEY: prints an output of a stack, or nothing if it has none; without --yes, a placeholder.
output_of() {
	local found
	if [ "$yes" != yes ]; then
		printf '%s-OF-%s' "${2^^}" "${1^^}"
		return
	fi
	found=$(call cloudformation describe-stacks --stack-name "$1" --output text \
		--query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue") || die "stack $1 cannot be read"
	[ "$found" = None ] || printf '%s' "$found"
}

# deploy TEMPLATE STACK PARAMETER=VALUE…
deploy() {
	local template=$1 stack=$2
	shift 2
	step "create or change the stack $stack" cloudformation deploy --template-file "$here/$template.yml" \
		--stack-name "$stack" --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset \
		${1:+--parameter-overrides "$@"}
}

# package BACKEND FILE: stores FILE in the backend's bucket under a name made from its hash; sets `key` and `sum`.
package() {
	local backend=$1 file=$2 bucket
	[ -r "$file" ] || die "$file cannot be read"
	sum=$(sha256sum <"$file")
	sum=${sum%% *}
	key=packages/${sum:0:16}-${file##*/}
	[[ $key =~ ^[A-Za-z0-9./_+~-]+$ ]] || die "$file: rename it to letters, digits and . _ + ~ -"
	key=${key//[+~]/-} # S3 and the instance's shell would read these differently
	bucket=$(output_of "$backend" Bucket)
	[ -n "$bucket" ] || die "stack $backend has no bucket: is it a backend?"
	step "store ${file##*/} for the instance or function" s3 cp --only-show-errors "$file" "s3://$bucket/$key"
}

# deb_architecture FILE: prints the architecture of a Debian package.
deb_architecture() {
	dpkg-deb -f "$1" Architecture 2>/dev/null || die "$1 is not a Debian package"
}
