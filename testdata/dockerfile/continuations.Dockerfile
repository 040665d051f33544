from scratch
  # an indented comment
run apt-get update \
 && apt-get install -y \
# why curl is here
    curl \
    # and this one is indented
    git \   

    make \
	
 && echo done # said

ENV A=1 \
    B="two words" \
    C=three\ words

LABEL a\
b=c\\
CMD echo "a \
  b" \

