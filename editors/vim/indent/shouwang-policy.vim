" SPDX-License-Identifier: PostgreSQL
" A statement begins in the first column; its lines stand two in, what 某 says of one person four. `shouwangctl policy fmt` does the rest.
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1
setlocal indentexpr=ShouwangPolicyIndent(v:lnum) indentkeys=o,O expandtab shiftwidth=2 comments=:# commentstring=#\ %s
let b:undo_indent = 'setlocal indentexpr< indentkeys< expandtab< shiftwidth< comments< commentstring<'

if exists('*ShouwangPolicyIndent')
  finish
endif
function ShouwangPolicyIndent(lnum) abort
  let l:above = getline(a:lnum - 1)
  if a:lnum == 1 || l:above =~# '^\s*$'
    return 0
  endif
  if l:above =~# '^\s*\%(某\|some\)\s'
    return indent(a:lnum - 1) + 2
  endif
  if l:above =~# '^\%(红\|橙\|黄\|核\|查\|议\|签\|标准\|red\|orange\|yellow\|verify\|check\|suggest\|tag\|standard\)\s'
    return 2
  endif
  return indent(a:lnum - 1)
endfunction
