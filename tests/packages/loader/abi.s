	.section .custom_section.hatch_wasi.abi,"",@
	.ascii "CONTENT"
