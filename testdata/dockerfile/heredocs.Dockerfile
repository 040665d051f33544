FROM scratch AS files
COPY <<EOF /plain
value is $VALUE and \$VALUE
  # kept
EOF
COPY --chmod=755 <<-"END" <<other.txt real.txt /many/
	quoted: $VALUE
		two tabs
	END
second
other.txt
ADD <<'E O F' /spaces
E O
E O F

FROM files
RUN <<EOF
set -e
cat <<INNER
inner
INNER
EOF
RUN <<-SCRIPT
	#!/usr/bin/env python3
	print("hi")
	SCRIPT
RUN python3 <<EOF && cat <<-'TWO' 3<<THREE
print("$x")
EOF
	two
	TWO
three
THREE
RUN --mount=type=cache,target=/c <<"Q"
echo $HOME
Q
RUN cat <<<"here string" && echo $((1<<2)) "<<NOT"
ONBUILD RUN <<T
echo trigger
T
ONBUILD COPY <<A <<-B /x/
a
A
	b
	B
CMD <<none
