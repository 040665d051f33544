# escape=`
FROM windows/nanoserver
SHELL ["powershell", "-command"]
RUN dir c:\ `
    ; echo done
WORKDIR c:\app\
COPY file.txt c:\
ENV QUOTE="a`"b" PATH=C:\tools;$PATH DOLLAR=`$PATH TICK=``
ONBUILD RUN dir c:\
CMD c:\app\run.exe
