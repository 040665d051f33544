FROM scratch
RUN one \
  # comment
  two
COPY <<EOF /x
body
EOF
CMD three