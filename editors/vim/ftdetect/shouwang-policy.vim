" SPDX-License-Identifier: PostgreSQL
autocmd BufRead,BufNewFile *.policy setfiletype shouwang-policy
