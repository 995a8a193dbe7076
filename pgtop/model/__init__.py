"""What is: immutable facts about one instant of one server. Standard library only, nothing
computed, nothing cleaned.

Every text here is as the server sent it and therefore hostile: it reaches a terminal only through
`pgtop.text.clean`.
"""
