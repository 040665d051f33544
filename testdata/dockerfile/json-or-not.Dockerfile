FROM scratch
CMD ["a", "b"]
CMD [ "tab\t", "\u00e9", "\"", "$VAR" ]
CMD []
CMD ['single']
CMD ["trailing",]
CMD ["unclosed"
CMD ["a"] and more
CMD ["C:\path"]
CMD "just a string"
ENTRYPOINT ["a" "b"]
RUN [ -d /x ] && echo yes
RUN ["sh", "-c", "echo [\"nested\"]"]
COPY [ "a b", "c" ]
COPY ["a", "b"
VOLUME ["/a", "/b"]
VOLUME [/a, /b]
HEALTHCHECK CMD [ "x" ]
HEALTHCHECK CMD [ x ]
